// What root does so that systemd passes controllers on to users: systemd.resource-control(5), user@.service(5).

/** By default users have memory and pids, and cpu where systemd is new enough. */
export const delegateToUsers =
  'as root: mkdir -p /etc/systemd/system/user@.service.d && printf "[Service]\\nDelegate=cpu cpuset io memory pids\\n" > /etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload; then log in again, or with lingering: systemctl restart user@UID.service';

/** Users' sessions are not theirs to divide, their systemd is. */
export const scopeOfUser = 'systemd-run --user --scope -p Delegate=yes krun …';
