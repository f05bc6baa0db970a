# Runs the project's server and stops it when nobody has used it for a while.
#   $1 its folder   $2 seconds without a client after which it stops   $3 seconds between two looks   $4… the server
#
# Used means: a client is connected, or the log (every connection is logged) or the file `used` (touched by each
# command) is newer than the last look. Before it stops the server it writes `stopping` and looks at `used` once more;
# a command touches `used` and then looks for `stopping`: one of the two always sees the other.
folder=$1 limit=$2 every=$3
shift 3
trap '' HUP INT
"$@" </dev/null >"$folder/server.log" 2>&1 &
server=$!

connected() {
    if [ -r "/proc/$server/task/$server/children" ]; then
        for child in $(cat "/proc/$server/task/$server/children" 2>/dev/null); do
            case $(tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline") in *'[local]'*) return 0 ;; esac
        done
        return 1
    fi
    ps -A -o ppid= -o args= | grep -q "^ *$server .*\[local\]"
}
used() { [ "$folder/used" -nt "$folder/seen" ] || [ "$folder/server.log" -nt "$folder/seen" ]; }

(
    quiet=0
    : >"$folder/seen"
    while sleep "$every"; do
        if used || connected; then
            : >"$folder/seen"
            quiet=0
            continue
        fi
        quiet=$((quiet + every))
        [ "$quiet" -ge "$limit" ] || continue
        : >"$folder/stopping"
        if used || connected; then
            rm -f "$folder/stopping"
            continue
        fi
        kill -INT "$server"
        exit
    done
) &
watcher=$!
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
rm -f "$folder/stopping"
exit "$code"
