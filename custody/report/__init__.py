"""Reports: a verified bundle and plain findings in, a document out.

`custody.report.build.build` makes the model; `custody.report.html.render` prints it.
"""
