"""What every format reads and writes with: whole files, text, arrays and JSON values."""
