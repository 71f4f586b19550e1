"""From a choice to a nest: attachments, layouts, copies, slots."""
