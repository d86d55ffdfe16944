#!/bin/sh
# Asked by keepalived: does HAProxy answer? A process that hangs does not.
exec curl --silent --fail --output /dev/null --max-time 2 http://127.0.0.1:8405/alive
