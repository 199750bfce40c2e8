/* What each file of the probe reports; all write members into the open JSON object. */
#pragma once

void report_descriptors(void); /* first of all: later ones open files themselves */
void report_process(char **argv, char **environment);
void report_identity(void);
void report_limits(void);
void report_scheduling(void);
void report_namespaces(void);
void report_mounts(void);
void report_devices(void);

/* Runs one action (write PATH, syscall NR …) and writes its outcome as an object; 2 for one that does not exist. */
int act(int count, char **arguments);
