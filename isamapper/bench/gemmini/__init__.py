"""The validation harness of Gemmini: cycles of simulated programs beside cycles measured on its RTL."""
