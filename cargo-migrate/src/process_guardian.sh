# Waits for its owner to be gone, whatever way it went: the owner holds the other end of the pipe that is our standard
# input. A line on it means that the program has ended. Without one, the program's process group is ended.
#   $1 the program's process number, which is its group's too
if read -r _; then exit 0; fi
kill -TERM "-$1" 2>/dev/null
sleep 5
kill -KILL "-$1" 2>/dev/null
exit 0
