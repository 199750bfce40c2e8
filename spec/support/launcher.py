# usage: launcher.py SOCKET: reads lines of JSON {"words": [...], "env": {...}} and runs each as a program whose descriptor 3 is a
# connection to SOCKET, where its supervisor is. Answers {"status": n, "stdout": "...", "stderr": "..."}; a status below 0 is a signal.
# A test process forks slowly (Node is large); this one does not.
import json, os, socket, sys

null = os.open("/dev/null", os.O_RDWR)
for line in sys.stdin:
    call = json.loads(line)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(sys.argv[1])
    out, err = os.memfd_create("out"), os.memfd_create("err")
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for fd, target in ((null, 0), (out, 1), (err, 2), (channel.fileno(), 3))]
    pid = os.posix_spawn(call["words"][0], call["words"], {**os.environ, "KRUN_CHANNEL": "3", **call["env"]}, file_actions=actions)
    channel.close()
    _, status = os.waitpid(pid, 0)
    texts = [os.pread(fd, 1 << 20, 0).decode(errors="replace") for fd in (out, err)]
    os.close(out)
    os.close(err)
    print(json.dumps({"status": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}), flush=True)
