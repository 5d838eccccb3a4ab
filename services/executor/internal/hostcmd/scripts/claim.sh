# The fence is all: it ends what an older attempt runs, and refuses what it begins.
exit 0
