"""Reads D-Bus messages (JSON: a list of base64) and prints what GLib understands: [{serial, path, interface, member, destination, signature, body}]."""
import base64
import json
import sys

from gi.repository import Gio


def plain(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def unpack(variant):
    # A variant keeps its type: {"type": "t", "value": "5"}.
    kind = variant.get_type_string()
    if kind == "v":
        inner = variant.get_variant()
        return {"type": inner.get_type_string(), "value": unpack(inner)}
    if variant.is_container():
        return [unpack(variant.get_child_value(i)) for i in range(variant.n_children())]
    return plain(variant.unpack())


def decode(data):
    message = Gio.DBusMessage.new_from_blob(data, Gio.DBusCapabilityFlags.NONE)
    body = message.get_body()
    return {
        "serial": message.get_serial(),
        "path": message.get_path(),
        "interface": message.get_interface(),
        "member": message.get_member(),
        "destination": message.get_destination(),
        "signature": message.get_signature(),
        "body": [] if body is None else unpack(body),
    }


def split(data):
    messages = []
    while data:
        size = Gio.DBusMessage.bytes_needed(data[:16])
        messages.append(decode(data[:size]))
        data = data[size:]
    return messages


print(json.dumps([split(base64.b64decode(text)) for text in json.load(sys.stdin)]))
