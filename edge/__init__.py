"""The site: the node that holds, decides, releases and bills where people print."""
