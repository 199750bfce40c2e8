# usage: launcher.py SOCKET: reads lines of JSON {"words": [...], "env": {...}} and runs each as a program whose descriptor 3 is a
# connection to SOCKET, where its supervisor is. Answers {"status": n, "stdout": "...", "stderr": "..."}; a status below 0 is a signal.
# A test process forks slowly (Node is large); this one does not. What a container leaves behind is its own to reap, and at once: a pid
# namespace ends only when the last of its processes is reaped.
import ctypes, json, os, select, signal, socket, sys

PR_SET_CHILD_SUBREAPER = 36
null = os.open("/dev/null", os.O_RDWR)
woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
ended = {}


def reap(*_):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ended[pid] = status


def status_of(pid):
    while pid not in ended:
        select.select([woken], [], [])
        os.read(woken, 4096)
    return os.waitstatus_to_exitcode(ended.pop(pid))


def run(words, env):
    ended.clear()
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(sys.argv[1])
    out, err = os.memfd_create("out"), os.memfd_create("err")
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for fd, target in ((null, 0), (out, 1), (err, 2), (channel.fileno(), 3))]
    pid = os.posix_spawn(words[0], words, {**os.environ, "KRUN_CHANNEL": "3", **env}, file_actions=actions)
    channel.close()
    status = status_of(pid)
    texts = [os.pread(fd, 1 << 20, 0).decode(errors="replace") for fd in (out, err)]
    os.close(out)
    os.close(err)
    return {"status": status, "stdout": texts[0], "stderr": texts[1]}


ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
signal.signal(signal.SIGCHLD, reap)
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)
