# usage: receive-descriptor.py SOCKET: listens, says "listening", takes one message with one descriptor, says what it is as JSON;
# if it is a terminal, writes the lines of its own standard input to it and copies what comes from it to standard output.
import array, fcntl, json, os, select, socket, struct, sys, termios

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(1)
print("listening", flush=True)
connection, _ = server.accept()
name, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * 4))
descriptors = array.array("i")
for level, kind, data in control:
    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
        descriptors.frombytes(data[: len(data) - len(data) % 4])
fd = descriptors[0]
seen = {"name": name.decode(), "count": len(descriptors), "terminal": os.isatty(fd), "link": os.readlink(f"/proc/self/fd/{fd}")}
if seen["terminal"]:
    rows, columns = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))[:2]
    seen.update(rows=rows, columns=columns)
elif "pidfd" in seen["link"]:
    fields = dict(line.split(":", 1) for line in open(f"/proc/self/fdinfo/{fd}"))
    seen.update(pid=int(fields["Pid"]))
print(json.dumps(seen), flush=True)
while seen["terminal"]:
    ready, _, _ = select.select([fd, 0], [], [])
    if 0 in ready:
        os.write(fd, os.read(0, 4096))
    if fd in ready:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        os.write(1, data)
