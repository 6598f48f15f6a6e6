"""Recipes trained for the same time and measured on the same rows, side by side."""
