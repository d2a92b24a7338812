import 'chaos/main'
