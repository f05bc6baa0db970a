# Waits for its owner to be gone, whatever way it went: the owner holds the other end of the pipe that is our standard
# input and never writes to it. Then stops the server and removes its folder.
#   $1 the folder, with the cluster in `data`
while read -r _; do :; done
tries=0
# A server that was started a moment before its owner died has not written its number yet.
while [ ! -s "$1/data/postmaster.pid" ] && [ -e "$1/starting" ] && [ "$tries" -lt 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
if read -r server 2>/dev/null <"$1/data/postmaster.pid"; then
    kill -QUIT "$server" 2>/dev/null
    tries=0
    while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
fi
rm -rf -- "$1"
