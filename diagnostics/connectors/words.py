"""Words for sources of connectors. Pure."""

from diagnostics.catalogue.phrases import shipped

say = shipped("connectors.toml").say
