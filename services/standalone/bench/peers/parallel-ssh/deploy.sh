#!/bin/sh
# Ships a release with parallel-scp and parallel-ssh.
set -eu

archive=/tmp/$SHIP_VERSION.tar.gz
release=$SHIP_BASE/releases/$SHIP_VERSION

# on_all PROGRAM ARGUMENT...
on_all() {
	program=$1
	shift
	"$program" --hosts="$SHIP_HOSTS" --par="$SHIP_COUNT" --timeout=0 --extra-arg="-F$SHIP_SSH_CONFIG" "$@"
}

on_all parallel-scp "$SHIP_ARCHIVE" "$archive"
on_all parallel-ssh "set -e
	echo '$SHIP_SHA256  $archive' | sha256sum -c -
	mkdir -p $release
	tar -xzf $archive -C $release
	rm $archive
	cd $SHIP_BASE
	ln -sfn releases/$SHIP_VERSION current.new
	mv -T current.new current"
