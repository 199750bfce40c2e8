# usage: keep-descriptors.py SOCKET: listens, says "listening", and keeps every descriptor that it is sent until its input ends.
import array, select, socket, sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(64)
print("listening", flush=True)
while True:
    ready, _, _ = select.select([server, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    connection, _ = server.accept()
    connection.recvmsg(4096, socket.CMSG_SPACE(array.array("i").itemsize))
    connection.close()
