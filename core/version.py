"""The one place that says which version of Strongroom this is."""

VERSION = "0.1.0"
