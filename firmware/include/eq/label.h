/* The label of the greatest of whole numbers. */
#ifndef EQ_LABEL_H
#define EQ_LABEL_H

#include <stdint.h>

typedef struct {
    int32_t rows, count;
    const int32_t *labels; /* one per class, or NULL: its index */
} eq_label_params;

/* Of each row (rows, count); of equal numbers the first counts. */
void eq_label_ref(const eq_label_params *p, const int32_t *input, int32_t *output);

#endif
