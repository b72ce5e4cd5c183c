"""Content search: patterns (words, regular expressions, YARA rules) over files, slack, free space and all the rest."""
