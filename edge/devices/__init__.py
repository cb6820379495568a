"""How the printers of the site are: asked by SNMP and IPP, told on MQTT."""
