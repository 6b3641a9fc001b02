"""A soak: the exporter as people run it, against a QuantConnect that misbehaves, for an hour.

``python -m tests.soak --minutes 60`` runs it. ``world`` is what is read and how it changes,
``mischief`` what is done to the exporter, ``process`` the exporter and what it uses, ``scraper``
the Prometheus that must never notice, ``truth`` what has to be published in the end, ``run`` puts
them together.
"""
