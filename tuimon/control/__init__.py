"""Actions on instances: found out before, done through the right door, proved afterwards."""
