"""Compiles profiles by libseccomp the way runc does it, for comparison. JSON on stdin: [{default, architectures, optimize, rules:
[{name, returns, args: [[index, op, value, valueTwo]]}]}], numbers as decimal strings where they may be large. JSON on stdout:
[{program: base64} | {error: text}]. With {"numbers": true} on stdin: the system calls of each architecture instead."""
import base64
import json
import sys
import tempfile
import seccomp
from seccomp import Arch, Arg, Attr, SyscallFilter

ARCHITECTURES = {
    'SCMP_ARCH_X86_64': Arch.X86_64, 'SCMP_ARCH_X86': Arch.X86, 'SCMP_ARCH_X32': Arch.X32,
    'SCMP_ARCH_AARCH64': Arch.AARCH64, 'SCMP_ARCH_ARM': Arch.ARM,
}


def export(profile):
    chosen = SyscallFilter(signed(profile['default']))
    # The one setting unlike runc's: krun kills the process, not the thread, for a foreign architecture.
    chosen.set_attr(Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    if profile.get('optimize'):
        chosen.set_attr(Attr.CTL_OPTIMIZE, 2)
    architectures = [ARCHITECTURES[name] for name in profile['architectures']]
    for architecture in architectures:
        if not chosen.exist_arch(architecture):
            chosen.add_arch(architecture)
    if Arch.X86_64 not in architectures:
        chosen.remove_arch(Arch.X86_64)
    for rule in profile['rules']:
        add(chosen, rule, profile['default'])
    with tempfile.TemporaryFile() as file:
        chosen.export_bpf(file)
        file.seek(0)
        return {'program': base64.b64encode(file.read()).decode()}


def add(chosen, rule, default):
    if rule['returns'] == default or seccomp.resolve_syscall(Arch.X86_64, rule['name']) == -1:
        return
    args = [Arg(index, getattr(seccomp, op), int(value), int(two)) for index, op, value, two in rule['args']]
    if len({arg[0] for arg in rule['args']}) < len(args):
        for arg in args:
            chosen.add_rule(signed(rule['returns']), rule['name'], arg)
    else:
        chosen.add_rule(signed(rule['returns']), rule['name'], *args)


# The binding takes actions as C ints.
def signed(action):
    return action - (1 << 32) if action >= 1 << 31 else action


def numbers():
    found = {}
    for name, architecture in ARCHITECTURES.items():
        first = 0x40000000 if name == 'SCMP_ARCH_X32' else 0
        table = {}
        for number in [*range(1024), *range(0xF0000, 0xF0010)]:
            try:
                table[seccomp.resolve_syscall(architecture, first + number).decode()] = number
            except ValueError:
                pass
        found[name] = table
    return found


def main():
    request = json.load(sys.stdin)
    if request == {'numbers': True}:
        json.dump(numbers(), sys.stdout)
        return
    answers = []
    for profile in request:
        try:
            answers.append(export(profile))
        except (RuntimeError, OSError) as error:
            answers.append({'error': str(error)})
    json.dump(answers, sys.stdout)


if __name__ == '__main__':
    main()
