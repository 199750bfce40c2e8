// Why a network device was not moved.
import { errnoName } from './errno.ts';
import { type Explainer, explained, fieldsOf, quote, reason } from './failure.ts';

/** moveNetDevice: linux.netDevices. */
export const explainNetDevice: Explainer = (report) => {
  const device = quote(fieldsOf(report.detail).get('device') ?? '');
  const hints: Readonly<Record<string, string>> = {
    ENODEV: 'devices are named as `ip link` lists them where krun runs',
    EEXIST: 'the container has a device of this name: choose another, or a template such as eth%d',
    EPERM: 'moving a device takes CAP_NET_ADMIN where krun runs',
    EINVAL: 'this device cannot leave its network namespace, or the name is not one for a device',
  };
  const what = report.syscall === 'newaddr' ? `an address of network device ${device}` : `network device ${device}`;
  return explained(report, 'E_NET_DEVICE', reason(report, what), hints[errnoName(report.errno)]);
};
