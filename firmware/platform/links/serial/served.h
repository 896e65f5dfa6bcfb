/* A model as the link sees it, with sizes and functions in a table: a program can have several (served.c). */
#ifndef EQ_SERVED_H
#define EQ_SERVED_H

#include <stdint.h>

enum { EQ_SERVED_BEGIN = 1, EQ_SERVED_WATCH = 2, EQ_SERVED_TIME = 4 };

typedef struct {
    const char *name;
    uint64_t identity;
    uint32_t layers;
    uint32_t arena_bytes; /* of all arenas */
    uint32_t state_bytes; /* 0: it has no states */
    uint32_t inputs;
    uint32_t outputs;
    const uint32_t *input_bytes; /* of each */
    const uint32_t *output_bytes;
    const uint64_t *table; /* what TIME leaves: layers + 3 values; NULL in a program that does not time them */
    void (*begin)(void);
    void (*paint)(void);
    uint32_t (*painted_to)(void);
    uint8_t *(*input)(uint32_t index); /* in the arena */
    const uint8_t *(*output)(uint32_t index);
    const char *(*weights_fault)(void); /* gives NULL if nothing is wrong with weights apart from the program */
    int (*run)(int flags, uint64_t *stack);
} eq_served_model;

/* All of a program, in the order of their numbers. */
extern const eq_served_model *const eq_served_models[];
extern const uint32_t eq_served_count;

#endif
