#!/bin/sh
# What the lab's virtual printer does with a document: keep it, say how many sides it printed, or
# fail as ordered. ippeveprinter runs it with the document's path, and with IPP_* in the
# environment. KEEP_IN/order holds one fault (see Fault in demo/printers.py) and a figure.
document=$1
read -r fault figure < "$KEEP_IN/order" 2>/dev/null

case $fault in
  slow) sleep "$figure" ;;
  refuse) exit 1 ;;
  die)
    kill -9 "$PPID"
    exit 1 ;;
esac

making=$(mktemp -d "$KEEP_IN/making.XXXXXX") || exit 1
env -0 > "$making/attributes"
ln "$document" "$making/document" 2>/dev/null || cp "$document" "$making/document" || exit 1

# Poppler counts here, so that the edge's counting (qpdf and PDFium) is checked by another hand.
case $CONTENT_TYPE in
  application/pdf)
    pdfinfo "$document" > "$making/pdfinfo" 2>/dev/null
    pages=$(sed -n 's/^Pages: *//p' "$making/pdfinfo") ;;
  image/jpeg) pages=1 ;;
  *) pages= ;;
esac
if [ -n "$pages" ]; then
  sides=$((pages * ${IPP_COPIES:-1}))
  [ "$fault" = half ] && sides=$((sides / 2))
  echo "$sides" > "$making/impressions"
  echo "ATTR: job-impressions-completed=$sides" >&2
fi
mv "$making" "$KEEP_IN/kept/$(date +%s%N)-$IPP_JOB_ID" || exit 1
[ "$fault" = half ] && exit 1
exit 0
