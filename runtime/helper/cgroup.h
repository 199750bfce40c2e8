/*
 * What the files on cgroup v2 share. A cgroup is always named by its path below the cgroup2 mount and reached from that mount's
 * descriptor without symbolic links, "..", or other mounts.
 */
#pragma once
#include "krun.h"

#define MAX_CGROUP_DEPTH 128

/* "/a/b" is text "a/b", ends {1, 3}. */
struct cgroup_path {
  char text[PATH_MAX];
  uint16_t ends[MAX_CGROUP_DEPTH];
  uint32_t depth;
};

/* Absolute, normal, at least one component (the root of the mount is nobody's container); 0 or -1 with the failure recorded. */
int split_cgroup_path(struct context *context, const char *path, struct cgroup_path *split);

/* The first `depth` components, relative to the mount; "." for none. */
const char *cgroup_prefix(const struct cgroup_path *path, uint32_t depth, char buffer[PATH_MAX]);

/* The same as a path that a report may name: "/" for none. */
const char *cgroup_place(const struct cgroup_path *path, uint32_t depth, char buffer[PATH_MAX]);

/* The component at `index`. */
const char *cgroup_name(const struct cgroup_path *path, uint32_t index, char buffer[NAME_MAX + 1]);

/* The descriptor of a mount that is cgroup2 for certain; -1 with the failure recorded. */
int open_cgroup_mount(struct context *context, const char *mountpoint);

/* openat2 below a cgroup; -1 with errno. */
int open_in_cgroup(int cgroup, const char *path, int flags);

/* The beginning of a file as a string; its length or -1 with errno. */
ssize_t read_cgroup_file(int cgroup, const char *file, char *text, size_t size);

/* One write(2) to a file; 0 or -1 with errno. */
int write_cgroup_text(int cgroup, const char *file, const char *text);

/* A line "key value" of cgroup.events: 0, 1, or -1 with errno. */
int cgroup_event(int cgroup, const char *key);

/* Its first processes, as "12,34,…"; "" for none or if they cannot be read. */
const char *list_processes(int cgroup, char *text, size_t size);

/* The cgroup has gone since it was opened (or its name looked up). */
static inline bool is_gone(int error) {
  return error == ENOENT || error == ENODEV;
}

/*
 * krun marks the cgroups that it makes by an extended attribute, which lives and dies with the cgroup and which a later `krun delete`
 * finds as well. Only a marked cgroup is ever removed, so that what somebody else has made stays. Root's marks are out of reach for
 * a container that was given its cgroup. (Else whoever may write an attribute owns the cgroup: a forged mark gives nothing.)
 */
int mark_cgroup(int cgroup);
bool is_marked(int cgroup);

/*
 * The leaf also notes whose it is (the state directory's path), so that a left-over state whose cgroupsPath is in use by another
 * container by now cannot kill that one.
 */
int own_cgroup(int cgroup, const char *owner);
void disown_cgroup(int cgroup);

/* Remove the marked ancestors of a path from below, up to the first that is not marked or in use. */
void prune_ancestors(int mount, const struct cgroup_path *path);

/* Enable controllers for the children of an ancestor. GONE is without a record. */
enum outcome { DONE, GONE, REFUSED };
enum outcome enable_controllers(struct context *context, const struct op_create_cgroup *op, int ancestor, const char *name);

/* Wait until no process is in a cgroup or below it; 0, or -1 with errno ETIMEDOUT. A cgroup that has gone is empty. */
int wait_unpopulated(int cgroup, int milliseconds);
#define CGROUP_WAIT 10000
