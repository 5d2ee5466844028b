"""Doors in: one file a provider or format, one package a kind of source.

Every reader keeps one contract. It takes paths, returns the data under standard names and units together
with a :class:`~heatrisk.sources.reading.Reading`, and raises a :class:`~heatrisk.errors.SourceError` or
:class:`~heatrisk.errors.InputError` that names the file, the place in it and the remedy; a library's own
exception never leaves a reader. Nothing is guessed: what cannot be used is refused, with its reason.

``files``, ``table``, ``json_text``, ``xml_stream``, ``vector`` and ``raster`` open what the readers read;
``intake`` calls them for everything that a city file names.
"""
