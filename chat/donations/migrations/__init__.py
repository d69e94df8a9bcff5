"""How the tables of money came to be, step by step."""
