"""What stunnel would say to a configuration on this machine, and advice beyond it.

Rule: verdicts follow the order in which stunnel itself looks; what cannot be judged from here is said
to be so instead of guessed.
"""
