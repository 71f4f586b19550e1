"""The compiled event engine: code for a program and a machine whose ports arbitrate, walked through time."""
