"""Why an instruction does not fit, in words and with the cheapest edit."""
