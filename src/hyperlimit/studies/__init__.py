"""Published systems and experiments, one folder each."""
