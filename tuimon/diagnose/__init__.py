"""Pure judgements: facts + now + settings in, ordered findings out."""
