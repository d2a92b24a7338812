document.title = 'Order payments'
