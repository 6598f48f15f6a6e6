"""Training of encoders and adapters with every frozen model frozen. Needs ``latentwire[train]``."""
