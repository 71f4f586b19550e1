"""What makes found nests better: what stays on chip, what is loaded ahead, who does which part."""
