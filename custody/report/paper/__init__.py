"""The report on paper: PDF/A-3 laid out from the very page that report.html is, so that the two cannot disagree.

`blocks` reads the page into blocks of text, `typeset` has them set by typst with `report.typ`. What the record says
travels as data the whole way: no word of it is ever markup.
"""
