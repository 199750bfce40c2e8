/*
 * Installs a filter and makes system calls under it, each in a child of its own. The filter is on stdin (struct sock_filter[]), calls are
 * arguments: way:number[:argument…], way being native, x32 (bit 30 set) or i386 (int 0x80). One line a call on stdout: "errno N",
 * "ok" or "signal N". Exit status 2: a way that this machine lacks. Built and run by spec/plan/seccomp/kernel.test.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_INSTRUCTIONS 4096

static struct sock_filter filter[MOST_INSTRUCTIONS];

static void fail(const char *what)
{
	perror(what);
	_exit(250);
}

static size_t read_filter(void)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(0, (char *)filter + length, sizeof filter - length)) > 0)
		length += (size_t)got;
	if (got < 0)
		fail("read");
	return length / sizeof filter[0];
}

static long call_i386(const unsigned long *a)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5])
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
#else
	(void)a;
	_exit(2);
#endif
}

static long call(const char *way, unsigned long *a)
{
	long result;

	if (strcmp(way, "i386") == 0)
		return call_i386(a);
	if (strcmp(way, "x32") == 0)
		a[0] |= 0x40000000;
	result = syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return result < 0 ? -errno : result;
}

static void filtered_child(const char *text, size_t length, unsigned flags)
{
	struct sock_fprog program = { .len = (unsigned short)length, .filter = filter };
	unsigned long a[7] = { 0 };
	char way[256], *save, *word;
	long result;

	snprintf(way, sizeof way, "%s", text);
	word = strtok_r(way, ":", &save);
	for (int n = 0; n < 7 && (word = strtok_r(NULL, ":", &save)); n++)
		a[n] = strtoul(word, NULL, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("prctl");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0)
		fail("seccomp");
	result = call(way, a);
	_exit(result >= 0 ? 0 : result == -ENOSYS ? 255 : result > -250 ? (int)-result : 254);
}

static void report(int status)
{
	if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 0)
		printf("ok\n");
	else
		printf("errno %d\n", WEXITSTATUS(status) == 255 ? ENOSYS : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	unsigned flags = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
	size_t length = read_filter();

	for (int n = 2; n < argc; n++) {
		int status;
		pid_t child = fork();

		if (child < 0)
			fail("fork");
		if (child == 0)
			filtered_child(argv[n], length, flags);
		if (waitpid(child, &status, 0) < 0)
			fail("waitpid");
		report(status);
		fflush(stdout);
	}
	return 0;
}
