"""What words mean to the house model, by theme: lines of `word, two words = vocabulary words`."""
