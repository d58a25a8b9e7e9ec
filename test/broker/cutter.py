"""cutter.py - a TCP proxy on loopback that cuts its connections when told to, in mid-packet too."""
import select
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


class Cutter:
    def __init__(self, target):
        self.target = target
        self.refuse = False  # new connections end at once
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                client = self.listener.accept()[0]
                if self.refuse:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.lock:
                    self.pairs.append((client, server))
                threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
        except OSError:
            return  # closed

    def pump(self, client, server):
        other = {client: server, server: client}
        try:
            while True:
                for end in select.select(list(other), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        raise OSError
                    other[end].sendall(data)
        except (OSError, ValueError):
            self.end(client, server)

    def end(self, client, server):
        with self.lock:
            if (client, server) in self.pairs:
                self.pairs.remove((client, server))
        for end in (client, server):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self):
        """Ends all connections; what was not read is gone."""
        with self.lock:
            pairs = list(self.pairs)
        for client, server in pairs:
            self.end(client, server)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
        self.thread.join(timeout=5)
