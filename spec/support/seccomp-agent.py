# usage: seccomp-agent.py SOCKET [NUMBER=ANSWER…] [hang-up=yes]: listens, says "listening"; takes container process states, says each as JSON;
# answers the calls: ANSWER is an errno, or "continue" (also for what is not named), and says each as {"call": NUMBER, "pid": PID}.
# hang-up: closes the connection when it has read a little. A connection that is closed after its state is said as {"closed": true}.
import array, errno, fcntl, json, os, select, socket, struct, sys, threading

RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1
answers = dict(argument.split("=") for argument in sys.argv[2:])


def say(**what):
    os.write(1, (json.dumps(what) + "\n").encode())


def attend(listener):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        if poll.poll()[0][1] & (select.POLLHUP | select.POLLERR):
            return
        call = bytearray(80)
        try:
            fcntl.ioctl(listener, RECEIVE, call)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT):
                continue
            raise
        id, pid, _, number = struct.unpack_from("=QIIi", call)
        answer = answers.get(str(number), "continue")
        reply = struct.pack("=QqiI", id, 0, 0, CONTINUE) if answer == "continue" else struct.pack("=QqiI", id, 0, -int(answer), 0)
        say(call=number, pid=pid)
        try:
            fcntl.ioctl(listener, SEND, reply)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def whole(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def await_end(connection):
    if connection.recv(1) == b"":
        say(closed=True)


server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(8)
os.write(1, b"listening\n")
while True:
    connection, _ = server.accept()
    text, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(16))
    descriptors = array.array("i")
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % 4])
    if "hang-up" in answers:
        connection.close()
        continue
    while (state := whole(text)) is None:
        text += connection.recv(1 << 16)
    say(state=state, descriptors=len(descriptors))
    threading.Thread(target=await_end, args=(connection,), daemon=True).start()
    for descriptor in descriptors:
        threading.Thread(target=attend, args=(descriptor,), daemon=True).start()
