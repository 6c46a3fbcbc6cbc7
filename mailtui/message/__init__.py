"""What they get: templates, MIME bytes, preflight. Pure but for reading the template files.

The way through this room: `source` reads a campaign's templates into a `frozen` message, `compose` compiles
that text once and renders one recipient's message from it: `folding` finds what of a template is the same for
everybody, `filling` puts in what a row brings, `mime` and `headers` turn it into bytes. Bodies in Markdown or MJML,
and those with style sheets, are made by `pages` of what `marked` templates give. `preflight` judges the message,
`reference` holds it against the standard library, `tree` shows it.
"""
