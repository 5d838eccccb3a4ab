#!/bin/sh
# Runs a bare command on each host, all at once, as a loop of the shell has it.
set -eu

running=
while read -r host; do
	ssh -F "$SHIP_SSH_CONFIG" "$host" : </dev/null &
	running="$running $!"
done <"$SHIP_HOSTS"
for one in $running; do
	wait "$one"
done
