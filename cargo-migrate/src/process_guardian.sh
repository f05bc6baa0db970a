# Waits for its owner to be gone, whatever way it went: the owner holds the other end of the pipe that is our standard
# input. A line on it means that the program has ended. Without one, our process group is ended, which the program is in.
# Who asks the group to end does not mean us.
trap '' TERM
if read -r _; then exit 0; fi
kill -TERM 0
sleep 5
kill -KILL 0
