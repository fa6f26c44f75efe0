"""A finished run in the forms that other systems read: one file for each form, all driven by `export_run`."""
