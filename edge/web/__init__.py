"""The edge's own HTTP: health and figures for ordinary monitoring; imported only where wanted."""
