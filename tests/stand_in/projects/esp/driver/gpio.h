#pragma once
typedef enum { GPIO_NUM_2 = 2 } gpio_num_t;
#define GPIO_MODE_OUTPUT 2
static inline int gpio_reset_pin(gpio_num_t pin) { return pin; }
static inline int gpio_set_direction(gpio_num_t pin, int mode) { return pin + mode; }
static inline int gpio_set_level(gpio_num_t pin, unsigned level) { return pin + (int)level; }
