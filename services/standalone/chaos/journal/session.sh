#!/bin/sh
# What sshd runs in the place of each command (hosttest.WithForcedCommand): the same command in this very process, with
# the tools beside this file in front of its PATH, and the host's lock open as fd 7.
#
# The tools take the lock. All processes of a command inherit the open file, so they hold it together, against those of
# other commands, and the kernel frees it when the last of them is gone, however it ends. Slipway's own lock is fd 9: a
# process that dies closes 7 before 9, so whoever is given Slipway's lock next finds this one free.
exec 7>>"$HOME.lock"
PATH="${0%/*}/tools:$PATH"
JOURNAL=${SSH_ORIGINAL_COMMAND##*slipway-}
JOURNAL=${JOURNAL%%"
"*}
export PATH JOURNAL
exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"
