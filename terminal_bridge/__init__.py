"""What people touch at a printer; terminals speak only MQTT to their site's edge."""
